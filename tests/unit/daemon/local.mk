# unit programs of daemon
