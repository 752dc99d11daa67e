package metrics

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// started is approximately the start time of the process.
var started = time.Now()

// writeProcess writes figures of the runtime, and of the process on systems with /proc, by the
// names that Prometheus' client libraries use.
func writeProcess(b *bytes.Buffer) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	gauge := func(kind, name, help string, value float64) {
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", name, help, name, kind, name, strconv.FormatFloat(value, 'g', -1, 64))
	}
	gauge("gauge", "go_goroutines", "Goroutines that exist.", float64(runtime.NumGoroutine()))
	gauge("gauge", "go_memstats_heap_inuse_bytes", "Bytes of heap in use.", float64(m.HeapInuse))
	gauge("gauge", "go_memstats_sys_bytes", "Bytes obtained from the system.", float64(m.Sys))
	gauge("counter", "go_gc_cycles_total", "Garbage collections.", float64(m.NumGC))
	gauge("counter", "go_gc_pause_seconds_total", "Time that garbage collections stopped the program.", time.Duration(m.PauseTotalNs).Seconds())
	gauge("gauge", "process_start_time_seconds", "When the process began, in seconds since 1970.", float64(started.UnixMilli())/1e3)
	if cpu, resident, ok := readStat(); ok {
		gauge("counter", "process_cpu_seconds_total", "Processor time used.", cpu)
		gauge("gauge", "process_resident_memory_bytes", "Memory in use.", resident)
	}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		gauge("gauge", "process_open_fds", "Open file descriptors.", float64(len(entries)))
	}
}

// ticks are the units of /proc/self/stat, 100 a second on every Linux that Go
// runs on (proc(5), sysconf(_SC_CLK_TCK)).
const ticks = 100

// readStat reads /proc/self/stat, proc(5). The command's name, in parentheses,
// may hold anything.
func readStat() (cpuSeconds, residentBytes float64, ok bool) {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, 0, false
	}
	_, rest, _ := strings.Cut(string(data[bytes.LastIndexByte(data, ')')+1:]), " ")
	fields := strings.Fields(rest)
	const utime, stime, rss = 11, 12, 21 // counted from the state, the third field
	if len(fields) <= rss {
		return 0, 0, false
	}
	user, err1 := strconv.ParseFloat(fields[utime], 64)
	system, err2 := strconv.ParseFloat(fields[stime], 64)
	pages, err3 := strconv.ParseFloat(fields[rss], 64)
	return (user + system) / ticks, pages * float64(os.Getpagesize()), err1 == nil && err2 == nil && err3 == nil
}
