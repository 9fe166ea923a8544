# filled by its room
dist_man_MANS += man/findingsd.8 man/findingsctl.1
