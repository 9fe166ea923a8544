# unit programs of source
