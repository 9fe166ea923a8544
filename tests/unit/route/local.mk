# unit programs of route
