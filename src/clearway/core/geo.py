"""Points on the globe: distances, and the Chinese map datum GCJ-02.

In:     longitudes and latitudes in degrees
Out:    great-circle kilometres; GCJ-02 from WGS84 and back
Not:    polygons (shapely does those), routing
Words:  GCJ-02 = the datum of Chinese web maps, 100-700 m off WGS84 inside mainland China
Source: the published GCJ-02 polynomial (as in the MIT-licensed eviltransform)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_KM = 6371.0088
_A, _EE = 6378245.0, 0.00669342162296594323


def great_circle_km(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> NDArray[np.float64]:
    """Haversine distance  [km]; arguments broadcast."""
    x1, y1, x2, y2 = (np.radians(np.asarray(v, float)) for v in (lon1, lat1, lon2, lat2))
    h = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin((x2 - x1) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(h)))


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """GCJ-02 longitude and latitude of WGS84 points."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    x, y = lon - 105.0, lat - 35.0
    wave = 20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)
    dlat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    dlat += 2 / 3 * (wave + 20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi))
    dlat += 2 / 3 * (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30))
    dlon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    dlon += 2 / 3 * (wave + 20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi))
    dlon += 2 / 3 * (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi))
    rad = np.radians(lat)
    magic = 1 - _EE * np.sin(rad) ** 2
    dlat = np.degrees(dlat / (_A * (1 - _EE) / magic**1.5))
    dlon = np.degrees(dlon / (_A / np.sqrt(magic) * np.cos(rad)))
    return lon + dlon, lat + dlat


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """WGS84 longitude and latitude of GCJ-02 points (fixed point, below a centimetre)."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    x, y = lon, lat
    for _ in range(6):
        gx, gy = wgs84_to_gcj02(x, y)
        x, y = x - (gx - lon), y - (gy - lat)
    return x, y
