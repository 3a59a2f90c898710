"""What every room shares: findings, money, and nothing else that could live closer to its use."""
