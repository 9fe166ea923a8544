/*
 * lean: see lean.h. Only segments that can be executed and not written are touched: they are the file's own bytes, without
 * relocations. Source: madvise(2), dl_iterate_phdr(3).
 */
#include "config.h"

#include "base/lean.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

static int
forget_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	if (info->dlpi_addr == getauxval(AT_SYSINFO_EHDR))
		return 0; /* the kernel's own page: no file stands behind it */
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || (p->p_flags & PF_W))
			continue;
		/* Whole pages: the last one may be shared with nothing else, as segments begin on pages of their own. */
		uintptr_t from = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);
		uintptr_t to = info->dlpi_addr + p->p_vaddr + p->p_memsz;
		(void)madvise((void *)from, (to - from + page - 1) & ~(page - 1), MADV_DONTNEED);
	}
	return 0;
}

void
lean_after_start(void)
{
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(forget_code, NULL);
}
