"""The grid: network, power flow, transfer factors, contingencies, points of interconnection."""
