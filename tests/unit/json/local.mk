# unit programs of json
