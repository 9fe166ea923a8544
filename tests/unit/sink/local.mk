# unit programs of sink
