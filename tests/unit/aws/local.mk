# unit programs of aws
