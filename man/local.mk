# filled by its room
dist_man_MANS += man/findingsd.8 man/findingsctl.1
dist_man_MANS += man/findingsd.conf.5
dist_man_MANS += man/findingsd-patterns.7
