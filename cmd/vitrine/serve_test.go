package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"vitrine/internal/policy"
)

// started runs the program as a user does and gives the address that it prints.
func started(t *testing.T, env string, args ...string) (address string) {
	t.Helper()
	c := exec.Command(program, append([]string{"serve", "--dir", emojiClip}, args...)...)
	c.Env = append(os.Environ(), env)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ = strings.Cut(line, "http://")
	address, _, _ = strings.Cut(address, "/")
	return address
}

func TestServeTakesTheNextFreePort(t *testing.T) {
	one := started(t, "PORT=")
	another := started(t, "PORT=")
	for _, address := range []string{one, another} {
		host, port, err := net.SplitHostPort(address)
		if n, _ := strconv.Atoi(port); err != nil || host != "127.0.0.1" || n < firstPort || n >= firstPort+portsTried {
			t.Errorf("served at %q", address)
		}
		answer := get(t, "http://"+address+"/config.json")
		if answer.StatusCode != 200 || answer.Header.Get("Content-Security-Policy") != "" {
			t.Errorf("%s answers %d, with the headers %v", address, answer.StatusCode, answer.Header)
		}
	}
	if one == another {
		t.Errorf("both are at %s", one)
	}
}

func TestServeAtABusyPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	t.Setenv("PORT", port)
	_, complaint, status := command(t, "serve", "--dir", emojiClip)
	if status != 1 || !strings.Contains(complaint, port) || !strings.Contains(complaint, "PORT") {
		t.Errorf("status %d, said %q", status, complaint)
	}
	t.Setenv("PORT", "eighty")
	if _, complaint, status := command(t, "serve", "--dir", emojiClip); status != 2 || !strings.Contains(complaint, "eighty") {
		t.Errorf("PORT=eighty: status %d, said %q", status, complaint)
	}
}

func TestServeUnderAPolicy(t *testing.T) {
	address := started(t, "PORT=", "--csp")
	if sent := get(t, "http://"+address+"/config.json").Header.Get("Content-Security-Policy"); sent != policy.Strict {
		t.Errorf("the policy is %q", sent)
	}
}

// get asks for an address and gives the response, read to its end.
func get(t *testing.T, url string) *http.Response {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer
}
