# unit programs of control
