// The cases of coro-bench that Go can do, on one processor as ours:
//     go-bench [--list | --quick] [CASE…]
// SPDX-License-Identifier: LGPL-2.1-or-later
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	roundTime = 20 * time.Millisecond
	nRounds   = 15
)

var quick bool
var name string

func size(full, small int) int {
	if quick {
		return small
	}
	return full
}

func print(value float64, unit string) { printDetail("", value, unit) }

func printDetail(detail string, value float64, unit string) {
	digits := 1
	if unit == "s" {
		digits = 3
	} else if unit == "bytes" {
		digits = 0
	}
	fmt.Printf("%s%s\t%.*f\t%s\n", name, detail, digits, value, unit)
}

// ns for doing it once: the median of several rounds.
func median(do func(n int) time.Duration) float64 {
	if quick {
		return float64(do(3)) / 3
	}
	n, elapsed := 1, do(1)
	for elapsed < roundTime/10 {
		n *= 2
		elapsed = do(n)
	}
	n = int(float64(n) * float64(roundTime) / float64(elapsed))
	if n < 1 {
		n = 1
	}
	values := make([]float64, nRounds)
	for i := range values {
		values[i] = float64(do(n)) / float64(n)
	}
	sort.Float64s(values)
	return values[nRounds/2]
}

// Bytes resident and in page tables.
func memory() float64 {
	sum := 0.0
	for path, key := range map[string]string{"/proc/self/smaps_rollup": "Rss:", "/proc/self/status": "VmPTE:"} {
		text, _ := os.ReadFile(path)
		for _, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, key) {
				kib, _ := strconv.Atoi(strings.Fields(line)[1])
				sum += float64(kib) * 1024
			}
		}
	}
	return sum
}

func cpu() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func yieldAlone(n int) time.Duration {
	start := time.Now()
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
	return time.Since(start)
}

func yield1() { print(median(yieldAlone), "ns") }

func yield1000() {
	print(median(func(n int) time.Duration {
		var group sync.WaitGroup
		var elapsed time.Duration
		for i := 1; i < 1000; i++ {
			group.Add(1)
			go func() { yieldAlone(n + 1); group.Done() }()
		}
		group.Add(1)
		go func() { elapsed = yieldAlone(n); group.Done() }()
		group.Wait()
		return elapsed
	})/1000, "ns")
}

func spawnJoin() {
	print(median(func(n int) time.Duration {
		start := time.Now()
		for i := 0; i < n; i++ {
			var group sync.WaitGroup
			group.Add(1000)
			for j := 0; j < 1000; j++ {
				go func() { group.Done() }()
			}
			group.Wait()
		}
		return time.Since(start)
	})/1000, "ns")
}

func spawnAwait() {
	print(median(func(n int) time.Duration {
		start := time.Now()
		for i := 0; i < n; i++ {
			result := make(chan int, 1)
			go func() { result <- 42 }()
			<-result
		}
		return time.Since(start)
	}), "ns")
}

func awaitReady() {
	done := make(chan int)
	close(done)
	print(median(func(n int) time.Duration {
		start := time.Now()
		for i := 0; i < n; i++ {
			<-done
		}
		return time.Since(start)
	}), "ns")
}

func pingPong(capacity int) float64 {
	return median(func(n int) time.Duration {
		there, back := make(chan int, capacity), make(chan int, capacity)
		go func() {
			for range there {
				back <- 0
			}
		}()
		start := time.Now()
		for i := 0; i < n; i++ {
			there <- 0
			<-back
		}
		elapsed := time.Since(start)
		close(there)
		return elapsed
	})
}

// One wake-up is half of a round trip.
func awaitPending()  { print(pingPong(0)/2, "ns") }
func queuePingpong() { print(pingPong(1), "ns") }

func wakeCrossThread() {
	runtime.GOMAXPROCS(2)
	there, back := make(chan int), make(chan int)
	go func() {
		runtime.LockOSThread()
		for range there {
			back <- 0
		}
	}()
	runtime.LockOSThread()
	print(median(func(n int) time.Duration {
		start := time.Now()
		for i := 0; i < n; i++ {
			there <- 0
			<-back
		}
		return time.Since(start)
	}), "ns")
}

func parked(n int) {
	gate := make(chan int)
	var group sync.WaitGroup
	park := func() { <-gate; group.Done() }
	start := func(n int) {
		group.Add(n)
		for i := 0; i < n; i++ {
			go park()
		}
		for i := 0; i < 3; i++ {
			runtime.Gosched()
		}
	}
	start(100)
	before := memory()
	start(n)
	print((memory()-before)/float64(n), "bytes")
	close(gate)
	group.Wait()
}

func sleepMany(n int) {
	var group sync.WaitGroup
	random := rand.New(rand.NewSource(1))
	before := cpu()
	group.Add(n)
	for i := 0; i < n; i++ {
		duration := time.Duration(random.Intn(int(time.Second)))
		go func() { time.Sleep(duration); group.Done() }()
	}
	group.Wait()
	print(cpu()-before, "s")
}

// How often a message is hashed before it goes back.
var nHashes int
var sink uint64

func hash(data []byte) {
	value := uint64(14695981039346656037)
	for i := 0; i < nHashes; i++ {
		for _, c := range data {
			value = (value ^ uint64(c)) * 1099511628211
		}
	}
	atomic.StoreUint64(&sink, value)
}

// A goroutine for each connection.
func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, 1024)
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			return
		}
		hash(buffer[:n])
		if _, err = connection.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go echo(connection)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// As the client of ours writes it.
type netResult struct{ Messages, Wall, P50, P99 float64 }

// ns of time and of the processor for a message.
func echoRound(nConnections, duration int) (float64, float64) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go accept(listener)
	port := listener.Addr().(*net.TCPAddr).Port
	client := exec.Command(os.Getenv("CORO_BENCH_NET_CLIENT"), fmt.Sprintf("%d,%d,0,%d", port, nConnections, duration))
	client.Stderr = os.Stderr
	output, err := client.StdoutPipe()
	check(err)
	check(client.Start())
	_, err = io.ReadFull(output, make([]byte, 1))
	check(err)
	before := cpu()
	var result netResult
	check(binary.Read(output, binary.LittleEndian, &result))
	spent := cpu() - before
	check(client.Wait())
	listener.Close()
	return result.Wall / result.Messages, spent * 1e9 / result.Messages
}

func echoMany(nConnections int) {
	if os.Getenv("CORO_BENCH_NET_CLIENT") == "" {
		fmt.Fprintf(os.Stderr, "%s: not measured: CORO_BENCH_NET_CLIENT names no program\n", name)
		return
	}
	limit := syscall.Rlimit{}
	check(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur = limit.Max
	check(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	if quick && nConnections > 20 {
		nConnections = 20
	}
	walls, cpus := make([]float64, size(7, 1)), make([]float64, size(7, 1))
	for i := range walls {
		walls[i], cpus[i] = echoRound(nConnections, size(1000, 20))
	}
	sort.Float64s(walls)
	sort.Float64s(cpus)
	print(walls[len(walls)/2], "ns")
	printDetail(".cpu", cpus[len(cpus)/2], "ns")
}

// On all processors, where the client lives too.
func echoWorkers() {
	runtime.GOMAXPROCS(runtime.NumCPU())
	nHashes = 640
	check(os.Setenv("CORO_BENCH_NET_ALL", "1"))
	echoMany(16)
}

type benchCase struct {
	name string
	run  func()
}

var cases = []benchCase{
	{"yield-1", yield1},
	{"yield-1000", yield1000},
	{"spawn-join", spawnJoin},
	{"spawn-await", spawnAwait},
	{"await-ready", awaitReady},
	{"await-pending", awaitPending},
	{"queue-pingpong", queuePingpong},
	{"wake-cross-thread", wakeCrossThread},
	{"parked-bytes", func() { parked(size(100000, 1000)) }},
	{"parked-1m", func() { parked(size(1000000, 1000)) }},
	{"sleep-100k", func() { sleepMany(size(100000, 1000)) }},
	{"sleep-1m", func() { sleepMany(size(1000000, 1000)) }},
	{"echo-1", func() { echoMany(1) }},
	{"echo-100", func() { echoMany(100) }},
	{"echo-1000", func() { echoMany(1000) }},
	{"echo-4000", func() { echoMany(4000) }},
	{"echo-workers", echoWorkers},
}

// The process that this thread starts has the first processor, the client the other one.
func pin() {
	set := [16]uint64{1}
	runtime.LockOSThread()
	syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
}

// Every case has a process of its own.
func runCase(which benchCase) bool {
	if strings.HasPrefix(which.name, "echo-") && which.name != "echo-workers" {
		pin()
	}
	child := exec.Command("/proc/self/exe", "--case="+which.name)
	if quick {
		child.Args = append(child.Args, "--quick")
	}
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	return child.Run() == nil
}

func main() {
	ok, all := true, true
	named := map[string]bool{}
	for _, word := range os.Args[1:] {
		switch {
		case word == "--quick":
			quick = true
		case word == "--list":
			for _, one := range cases {
				fmt.Println(one.name)
			}
			return
		case strings.HasPrefix(word, "--case="):
			name = word[len("--case="):]
		default:
			named[word], all = true, false
		}
	}
	runtime.GOMAXPROCS(1)
	for _, one := range cases {
		if one.name == name {
			one.run()
		} else if name == "" && (all || named[one.name]) {
			ok = runCase(one) && ok
		}
	}
	if !ok {
		os.Exit(1)
	}
}
