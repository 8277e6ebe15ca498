"""More than one process: one page, and codec workers that Ray Serve keeps; what a visitor costs, and what many do."""
