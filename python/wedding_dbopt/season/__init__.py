"""Load through the week and the year: profile, growth, season, and what they say of the coming weeks.

The load of a context is taken as level x hour of the week x season x growth, with noise. `profile` finds the hour-of-week
factors, `annual` the growth and the seasons, `forecast` puts them together with an interval, `store` reads the hours and
writes the results that the SQL functions read. Only `store` knows a database.
"""
