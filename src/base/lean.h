/*
 * lean: give back what was only needed to start.
 */
#ifndef FD_BASE_LEAN_H
#define FD_BASE_LEAN_H

/*
 * Forget the mapped code of this program and its libraries, and free heap that nobody uses. Code that is needed again comes back
 * from the page cache at its next use: what stays away is what only starting needs, some megabytes of a process that is idle for
 * most of its life. Call it once, when the start is over. Never fails.
 */
void lean_after_start(void);

#endif
