/*
 * cmd_match: the commands about patterns that need no daemon: match, test, explain. See findingsctl(1).
 *
 * argv[0] is the command's name. They print to standard output and standard error and return findingsctl's exit code.
 */
#ifndef FD_CTL_CMD_MATCH_H
#define FD_CTL_CMD_MATCH_H

int cmd_match(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_explain(int argc, char **argv);

#endif
