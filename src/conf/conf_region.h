/*
 * conf_region: does a text look like the name of an AWS region?
 *
 * The form only (area, direction, number), so that a new region needs no new version; the table of known ones is
 * aws/endpoint's.
 */
#ifndef FD_CONF_CONF_REGION_H
#define FD_CONF_CONF_REGION_H

struct err;

/* 0, or -1 with e (ERR_CONFIG): what is odd about it. */
int conf_region_check(const char *name, struct err *e);

#endif
