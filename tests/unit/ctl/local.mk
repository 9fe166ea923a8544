unit_programs += tests/unit/ctl/test_table
