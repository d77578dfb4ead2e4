"""The planner that is guided by expected traffic, and plans together where robots are stuck."""
