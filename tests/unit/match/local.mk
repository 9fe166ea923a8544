# unit programs of match
