"""Make the built-in case china-2022 from the facts in src/clearway/cases/data/facts.

In:     places, volumes, hubs, closures, parameters, typhoon tracks with status and source
Out:    the folders of src/clearway/cases/data/china-2022; equal facts give equal bytes
Not:    reading cases (clearway.cases)
Words:  served population = of a prefecture and the directly administered units nearest to it
Run:    python -m scripts.china
"""
