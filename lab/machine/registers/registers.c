/* What lets the machines' kernel run on processors with more registers than it knows.
 *
 * A user-mode kernel keeps the extended registers (XSAVE) of its processes in 2,696 bytes and sets them by
 * ptrace(PTRACE_SETREGSET, NT_X86_XSTATE). The host's kernel takes the whole area or nothing (EFAULT;
 * xstateregs_set in arch/x86/kernel/fpu/regset.c), and that has 11,008 bytes where there is AMX: every
 * machine would die at its first process. So this, preloaded (ld.so(8)), makes the area whole. What is added
 * is empty: the header among the first bytes says that those registers are not in use.
 *
 * Compiled by tcc without any header. */
typedef unsigned long size_t;
struct iovec {
	void *base;
	size_t length;
};

long syscall(long number, ...);
void *memcpy(void *to, const void *from, size_t length);

enum { SYS_PTRACE = 101, PEEKTEXT = 1, PEEKUSER = 3, GETREGSET = 0x4204, SETREGSET = 0x4205, X86_XSTATE = 0x202 };

static char area[65536]; /* beyond the bytes that are set it stays empty */
static size_t whole;	 /* its size on this host; 0 as long as nobody has asked */

static size_t size_of_area(int pid)
{
	static char registers[sizeof area];
	struct iovec all = {registers, sizeof registers};

	if (!whole && syscall(SYS_PTRACE, (long)GETREGSET, (long)pid, (long)X86_XSTATE, &all) == 0)
		whole = all.length;
	return whole;
}

long ptrace(int request, int pid, void *address, void *data)
{
	struct iovec *given = data, all = {area, 0};
	int peeks = request >= PEEKTEXT && request <= PEEKUSER; /* then the C library returns the word (ptrace(2)) */
	long word = 0, result;

	if (request == SETREGSET && (long)address == X86_XSTATE && given->length < size_of_area(pid)) {
		memcpy(area, given->base, given->length);
		all.length = whole;
		data = &all;
	}
	if (peeks)
		data = &word;
	result = syscall(SYS_PTRACE, (long)request, (long)pid, address, data);
	return peeks && result >= 0 ? word : result;
}
