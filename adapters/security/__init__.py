"""Passwords, tokens, encryption and the secret key behind them."""
