"""What is assumed, not observed: every number of the model that is not in the facts.

Each is repeated in docs/china-2022.md with its reason; replace at will.
"""

SLOT_HOURS = 2
CLASSES = [  # name, share of parcels, w, hold factor, P, promise
    ("emergency", 0.003, 0.30, 1.0, 200.0, 24.0),
    ("time-definite", 0.117, 0.06, 0.8, 40.0, 48.0),
    ("standard", 0.880, 0.02, 0.5, 20.0, 72.0),
]
COLLECTION = [  # share of a day's collection by hour: little at night, most in the late afternoon
    0.005,
    0.004,
    0.003,
    0.003,
    0.004,
    0.006,
    0.012,
    0.022,
    0.038,
    0.050,
    0.056,
    0.054,
    0.048,
    0.052,
    0.060,
    0.070,
    0.082,
    0.094,
    0.098,
    0.086,
    0.066,
    0.044,
    0.028,
    0.015,
]
PEAK_DAYS = (1.25, 1.40, 1.40, 1.35, 1.28, 1.20, 1.15)  # accepted parcels against the year's mean day
CALM_DAYS = (1.0,) * 7
BEFORE_PEAK, BEFORE_CALM = 1.20, 1.0
GRAVITY_OFFSET_KM, GRAVITY_POWER = 200.0, 0.7
DEMAND_LEAST = 0.05  # parcels a day below which a pair and class is left out
PROPENSITY_POWER = 0.2  # parcels received per head ~ (parcels sent per head of the province) ** power

UNLOADING_AND_DWELL_HOURS = {"road": 2.5, "rail": 7.0, "air": 4.0, "water": 4.0}
FERRY_HOURS, WATER_KMH = 4.0, 25.0
RAIL_COST_FACTOR, AIR_COST_FIXED, AIR_COST_PER_KM = 0.85, 1.2, 0.0006
LOADING_COST = 0.02
PER_VEHICLE = {"road": None, "rail": 15000.0, "air": 12000.0, "water": 20000.0}  # road: parameters.csv
CO2_KG_PER_KM = {"road": 0.00009, "rail": 0.00002, "air": 0.0008, "water": 0.00002}
NEIGHBOURS, NEIGHBOUR_KM = 6, 900.0
RAIL_FROM_KM = 900.0
AIRPORT_KM, AIRPORT_CITIES = 260.0, 6

HEADROOM = {"sort": 1.30, "deliver": 1.30, "lane": 1.35}
LEAST = {"sort": 600.0, "deliver": 400.0, "trunk": 1500.0, "lane": 500.0, "air": 800.0}  # parcels an hour
EXTRA = {"sort": 0.15, "deliver": 0.15, "lane": 0.25}
EXTRA_PREMIUM, EXTRA_FROM_HOURS = 1.0, 24.0
STORAGE_DAYS = 0.8  # of the mean day's sorting
STOCK_LEAST = 25.0  # parcels below which a stock row is folded into the others of its facility

CANDIDATE_SITES = 20
SITE_SORT_SHARE, SITE_OPEN_COST, SITE_FROM_HOURS = 0.25, 400_000.0, 36.0
EZHOU_OPEN_COST, EZHOU_FROM_HOURS = 2_000_000.0, 48.0

TYPHOON = "2106"
TYPHOON_MOVED_TO_DAY = 12  # of November 2022: the day of landfall
TYPHOON_KNOWN_HOURS = 48
EAST_CITIES, EXACT_CITIES = 40, 12

# Fitted to the stage means of 2024 Q2 by scripts/calibrate.py (docs/simulation.md)
SIMULATION = {"origin_hours": 6.0, "travel_factor": 1.38, "destination_hours": 1.5, "round_hours": 4.75}
