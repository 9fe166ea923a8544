# unit programs of ctl
