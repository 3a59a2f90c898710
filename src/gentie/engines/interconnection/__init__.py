"""What connecting does to a grid: capacity, clusters, upgrades, who pays."""
