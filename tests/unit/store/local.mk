# unit programs of store
