/**
 * Names of system calls that only some architectures have, in addition to those of system-calls.ts. Where an
 * architecture lacks one, the runtimes leave it out.
 */

/** Of 32-bit programs (x86 on x86_64, arm on arm64): the same as allowed ones, for wider ids and times. */
export const OF_32_BITS = `
_llseek _newselect chown32 clock_adjtime64 clock_getres_time64 clock_gettime64 clock_nanosleep_time64
fadvise64_64 fchown32 fcntl64 fstat64 fstatat64 fstatfs64 ftruncate64 futex_time64 getegid32 geteuid32
getgid32 getgroups32 getresgid32 getresuid32 getuid32 io_pgetevents_time64 ipc lchown32 lstat64 mmap2
mq_timedreceive_time64 mq_timedsend_time64 ppoll_time64 pselect6_time64 recv recvmmsg_time64
rt_sigtimedwait_time64 sched_rr_get_interval_time64 semtimedop_time64 send sendfile64 setfsgid32
setfsuid32 setgid32 setgroups32 setregid32 setresgid32 setresuid32 setreuid32 setuid32 sigprocmask
sigreturn stat64 statfs64 timer_gettime64 timer_settime64 timerfd_gettime64 timerfd_settime64 truncate64
ugetrlimit utimensat_time64 waitpid
`

export const OF_ARM = `
arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2
`

/** Refused ones of 32-bit programs, and such that a container never has a use for. */
export const MORE_REFUSED = `
clock_settime64 lsm_get_self_attr lsm_list_modules lsm_set_self_attr stime umount vm86 vm86old
`
