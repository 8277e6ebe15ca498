"""Programs that measure what the README states: quality, speed, exactness and robustness."""
