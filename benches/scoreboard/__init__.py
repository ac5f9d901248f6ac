"""The scoreboard: what is run (grid), what is known (results), how it is shown (tables)."""
