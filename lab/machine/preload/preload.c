/* What lets the machines' kernel run on newer hosts. It is preloaded (ld.so(8)), and compiled by
 * tcc without any header.
 *
 * Registers: a user-mode kernel keeps the extended registers (XSAVE) of its processes in 2,696 bytes and sets them by
 * ptrace(PTRACE_SETREGSET, NT_X86_XSTATE). The host's kernel takes the whole area or nothing (EFAULT;
 * xstateregs_set in arch/x86/kernel/fpu/regset.c), and that has 11,008 bytes where there is AMX: every
 * machine would die at its first process. So the area is made whole. What is added is empty: the header among
 * the first bytes says that those registers are not in use.
 *
 * Timer: the kernel has one, which it sets again whenever it is due. On a host with Linux 6.18 that was lost once
 * in two hours, and the machine stood still for good, until somebody sent SIGALRM. So that comes once a second, too;
 * the kernel finds out what is due by itself. */
typedef unsigned long size_t;
struct iovec {
	void *base;
	size_t length;
};

long syscall(long number, ...);
void *memcpy(void *to, const void *from, size_t length);

enum { SYS_SETITIMER = 38, SYS_PTRACE = 101, PEEKTEXT = 1, PEEKUSER = 3, GETREGSET = 0x4204, SETREGSET = 0x4205, X86_XSTATE = 0x202 };

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

/* Not before the kernel runs processes: until then SIGALRM would end it. */
static void send_alarms(void)
{
	static int sends;
	long every_second[4] = {1, 0, 1, 0};

	if (!sends)
		sends = syscall(SYS_SETITIMER, 0L, every_second, 0L) == 0;
}

long ptrace(int request, int pid, void *address, void *data)
{
	struct iovec *given = data, all = {area, 0};
	int peeks = request >= PEEKTEXT && request <= PEEKUSER; /* then the C library returns the word (ptrace(2)) */
	long word = 0, result;

	if (request == SETREGSET)
		send_alarms();
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
