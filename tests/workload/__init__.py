"""A realistic wedding-booking platform: its tables, its data and its traffic."""
