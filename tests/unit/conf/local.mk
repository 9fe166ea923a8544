# unit programs of conf
