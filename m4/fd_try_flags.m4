# FD_TRY_CFLAGS(FLAGS): add FLAGS to FD_CFLAGS if the compiler takes them all.
AC_DEFUN([FD_TRY_CFLAGS], [
	fd_save=$CFLAGS
	CFLAGS="$CFLAGS -Werror $1"
	AC_MSG_CHECKING([whether $CC takes $1])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); FD_CFLAGS="$FD_CFLAGS $1"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$fd_save
])
# FD_TRY_LDFLAGS(FLAGS): the same for the linker.
AC_DEFUN([FD_TRY_LDFLAGS], [
	fd_save=$LDFLAGS
	LDFLAGS="$LDFLAGS $1"
	AC_MSG_CHECKING([whether the linker takes $1])
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); FD_LDFLAGS="$FD_LDFLAGS $1"],
		[AC_MSG_RESULT([no])])
	LDFLAGS=$fd_save
])
