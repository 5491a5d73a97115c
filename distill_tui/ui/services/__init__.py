"""Work beside the screens: processes, threads, players and monitors."""
