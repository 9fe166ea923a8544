# unit programs of event
