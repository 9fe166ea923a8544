# unit programs of net
