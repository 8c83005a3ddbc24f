"""Parcels between every pair of prefectures: a doubly constrained gravity model.

In:     Country, prefectures wanted
Out:    matrix of parcels on the mean day, origin by destination, same-city on the diagonal
Not:    days and classes (variants.py)
Source: Furness balancing; the diagonal is scaled until the published same-city share is met
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clearway.core.geo import great_circle_km
from scripts.china import assumptions as a
from scripts.china.facts import Country


def mean_day(country: Country, cities: list[str]) -> NDArray[np.float64]:
    """Parcels on the mean day between the given prefectures, cut out of the national matrix."""
    national = _national(country)
    index = [country.at(c) for c in cities]
    return national[np.ix_(index, index)]


def _national(country: Country) -> NDArray[np.float64]:
    km = great_circle_km(country.lon[:, None], country.lat[:, None], country.lon[None, :], country.lat[None, :])
    deterrence = (km + a.GRAVITY_OFFSET_KM) ** -a.GRAVITY_POWER
    province = np.array([int(c[:2]) for c in country.code])
    sent_per_head = np.array(
        [country.sent[province == x].sum() / country.served[province == x].sum() for x in province]
    )
    received = country.served * sent_per_head**a.PROPENSITY_POWER
    received *= country.sent.sum() / received.sum()
    low, high = 1e-3, 1e3
    matrix = deterrence
    for _ in range(40):
        factor = float(np.sqrt(low * high))
        scaled = deterrence.copy()
        np.fill_diagonal(scaled, scaled.diagonal() * factor)
        matrix = _balanced(scaled, country.sent, received)
        if np.trace(matrix) / matrix.sum() < country.same_city_share:
            low = factor
        else:
            high = factor
    return matrix


def _balanced(
    seed: NDArray[np.float64], sent: NDArray[np.float64], received: NDArray[np.float64]
) -> NDArray[np.float64]:
    b = np.ones(len(sent))
    x = np.ones(len(sent))
    for _ in range(60):
        x = sent / (seed @ b)
        b = received / (x @ seed)
    return x[:, None] * seed * b[None, :]
