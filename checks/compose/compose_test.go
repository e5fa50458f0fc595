// Package compose checks the files for Compose: the services, what they mount, and
// what Prometheus and Grafana read there.
package compose

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v2"
)

const (
	root = "../.."
	dir  = root + "/compose"
)

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// load reads a file as Compose does, with nothing set in the environment.
func load(t *testing.T, file string) *types.Project {
	t.Helper()
	return loadText(t, read(t, filepath.Join(dir, file)), nil)
}

func loadText(t *testing.T, text string, environment types.Mapping) *types.Project {
	t.Helper()
	project, err := tryLoad(t, text, environment)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return project
}

func tryLoad(t *testing.T, text string, environment types.Mapping) (*types.Project, error) {
	t.Helper()
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		Environment: environment,
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: []byte(text)}},
	}, func(o *loader.Options) { o.SetProjectName("storage", true) })
}

// The exporter and its Redis are what the documents say, and no more.
func TestExporterAndRedis(t *testing.T) {
	project := load(t, "docker-compose.yml")
	exporter, redis := project.Services["exporter"], project.Services["redis"]

	environment := map[string]string{}
	for name, value := range exporter.Environment {
		if value == nil {
			t.Fatalf("%s has no value", name)
		}
		environment[name] = *value
	}
	want := map[string]string{
		"REDIS_HOST": "redis", "REDIS_PORT": "6379", "REDIS_DB": "0", "SMART_CACHE_TTL": "120", "SMART_POLL_INTERVAL": "90",
	}
	if diff := cmp.Diff(want, environment); diff != "" {
		t.Errorf("the exporter's environment:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"redis"}, exporter.GetDependencies()); diff != "" {
		t.Errorf("the exporter depends on\n%s", diff)
	}
	if diff := cmp.Diff(types.ShellCommand{"redis-server", "--save", "60", "1", "--loglevel", "warning"}, redis.Command); diff != "" {
		t.Errorf("the command of Redis:\n%s", diff)
	}
	if redis.Restart != "unless-stopped" || !strings.HasPrefix(redis.Image, "redis:7.") {
		t.Errorf("restart %q of %q", redis.Restart, redis.Image)
	}
	if v := redis.Volumes; len(v) != 1 || v[0].Type != "volume" || v[0].Source != "redis-data" || v[0].Target != "/data" {
		t.Errorf("the volumes of Redis: %v", v)
	}
	if _, ok := project.Volumes["redis-data"]; !ok {
		t.Errorf("volumes %v", project.VolumeNames())
	}
}

// The exporter has no right that volumes do not need, and sees the host read-only.
func TestExporterIsConfined(t *testing.T) {
	for _, file := range []string{"docker-compose.yml", "volumes.yml"} {
		s := load(t, file).Services["exporter"]
		if s.User != "" || s.Privileged || len(s.CapAdd) > 0 || len(s.Devices) > 0 || s.Pid != "" || s.NetworkMode != "" ||
			!slices.Equal(s.CapDrop, []string{"ALL"}) || !s.ReadOnly || !slices.Contains(s.SecurityOpt, "no-new-privileges") {
			t.Errorf("%s: %+v", file, s)
		}
		if v := s.Volumes; len(v) != 1 || v[0].Source != "/" || v[0].Target != "/host" || !v[0].ReadOnly {
			t.Errorf("%s: volumes %v", file, v)
		}
		for _, flag := range []string{"--path.rootfs=/host", "--path.procfs=/host/proc", "--path.sysfs=/host/sys", "--path.udev.data=/host/run/udev/data"} {
			if !slices.Contains(s.Command, flag) {
				t.Errorf("%s: the command %v has no %s", file, s.Command, flag)
			}
		}
	}
}

// commentedOut are lines that can be taken in: there is no space after the sign, or two.
var commentedOut = regexp.MustCompile(`(?m)^( +)#([^ ]|  )`)

// The file stays valid when the comment signs go away, as it says itself.
func TestDrives(t *testing.T) {
	text := commentedOut.ReplaceAllString(read(t, dir+"/docker-compose.yml"), "$1$2")
	s := loadText(t, text, types.Mapping{"GRAFANA_ADMIN_PASSWORD": "of the user"}).Services["exporter"]
	if s.User != "0" || !slices.Equal(s.CapAdd, []string{"SYS_RAWIO", "SYS_ADMIN"}) || !slices.Equal(s.CapDrop, []string{"ALL"}) {
		t.Errorf("user %q, capabilities %v without %v", s.User, s.CapAdd, s.CapDrop)
	}
	if !slices.Contains(s.SecurityOpt, "apparmor=unconfined") || !slices.Contains(s.SecurityOpt, "no-new-privileges") {
		t.Errorf("security_opt %v", s.SecurityOpt)
	}
	var devices []string
	for _, d := range s.Devices {
		devices = append(devices, d.Source)
	}
	if want := []string{"/dev/sda", "/dev/nvme0", "/dev/megaraid_sas_ioctl_node"}; !slices.Equal(devices, want) {
		t.Errorf("devices %v, want %v", devices, want)
	}
	// The same program as the image's own, at another place.
	image := regexp.MustCompile(`CMD \["([^"]+)", "--health=`).FindStringSubmatch(read(t, root+"/Dockerfile"))
	if h := s.HealthCheck; image == nil || h == nil || len(h.Test) != 3 || h.Test[0] != "CMD" || h.Test[1] != image[1] || !strings.HasPrefix(h.Test[2], "--health=http://127.0.0.1:") {
		t.Errorf("healthcheck %+v, the image's is %q", h, image)
	}
	volumes := commentedOut.ReplaceAllString(read(t, dir+"/volumes.yml"), "$1$2")
	if s := loadText(t, volumes, nil).Services["exporter"]; len(s.Volumes) != 2 || !strings.HasPrefix(s.Command[len(s.Command)-1], "--config.file="+s.Volumes[1].Target) {
		t.Errorf("the command %v does not fit the volumes %v", s.Command, s.Volumes)
	}
}

// The file has no password. Who takes the admin in has to set one.
func TestGrafanaHasNoPassword(t *testing.T) {
	text := read(t, dir+"/docker-compose.yml")
	environment := loadText(t, text, nil).Services["grafana"].Environment
	for name := range environment {
		if strings.Contains(name, "PASSWORD") {
			t.Errorf("%s has a value that everybody knows", name)
		}
	}
	for name, want := range map[string]string{
		"GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true", "GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer", "GF_USERS_ALLOW_SIGN_UP": "false",
	} {
		if value := environment[name]; value == nil || *value != want {
			t.Errorf("%s is not %s", name, want)
		}
	}
	if _, err := tryLoad(t, commentedOut.ReplaceAllString(text, "$1$2"), nil); err == nil || !strings.Contains(err.Error(), "GRAFANA_ADMIN_PASSWORD") {
		t.Errorf("an admin without a password: %v", err)
	}
}

func TestImagesArePinned(t *testing.T) {
	exact := regexp.MustCompile(`^[a-z0-9_/-]+:v?\d+\.\d+\.\d+$`)
	version := strings.TrimSpace(read(t, root+"/VERSION"))
	for _, file := range []string{"docker-compose.yml", "volumes.yml"} {
		for name, s := range load(t, file).Services {
			if !exact.MatchString(s.Image) {
				t.Errorf("%s: the image of %s is %q", file, name, s.Image)
			}
			if want := "storage_exporter-linux-amd64:" + version; name == "exporter" && s.Image != want {
				t.Errorf("%s: the exporter's image is %q, and `make docker` makes %q", file, s.Image, want)
			}
			if s.Build != nil || s.Restart != "unless-stopped" {
				t.Errorf("%s: build %v and restart %q of %s", file, s.Build, s.Restart, name)
			}
		}
	}
}

// Nothing but the exporter alone, whose Prometheus is elsewhere, is open to others.
func TestPortsAreOfThisHost(t *testing.T) {
	for name, s := range load(t, "docker-compose.yml").Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" || name == "redis" {
				t.Errorf("%s is open on %q, port %s", name, port.HostIP, port.Published)
			}
		}
	}
	if ports := load(t, "volumes.yml").Services["exporter"].Ports; len(ports) != 1 || ports[0].Published != "9777" || ports[0].Target != 9777 {
		t.Errorf("ports %v", ports)
	}
}

// What is mounted is there, in a clone and in a release.
func TestMountsAreReleased(t *testing.T) {
	var promu struct {
		Tarball struct {
			Files []string `yaml:"files"`
		} `yaml:"tarball"`
	}
	if err := yaml.Unmarshal([]byte(read(t, root+"/.promu.yml")), &promu); err != nil {
		t.Fatal(err)
	}
	released := func(file string) bool {
		return slices.ContainsFunc(promu.Tarball.Files, func(f string) bool { return file == f || strings.HasPrefix(file, f+"/") })
	}
	if !released("compose") {
		t.Error("the folder compose is not released")
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	mounts := 0
	for name, s := range load(t, "docker-compose.yml").Services {
		for _, v := range s.Volumes {
			if v.Type != "bind" || v.Source == "/" {
				continue
			}
			source, err := filepath.Abs(v.Source)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(source); err != nil || !v.ReadOnly {
				t.Errorf("%s mounts %v, read-only %v", name, err, v.ReadOnly)
			}
			file, err := filepath.Rel(top, source)
			if err != nil || !released(file) {
				t.Errorf("%s mounts %s, which is not released", name, file)
			}
			mounts++
		}
	}
	if mounts != 5 {
		t.Errorf("%d files and folders are mounted", mounts)
	}
}

// The loader finds mistakes: without that, nothing here would be a proof.
func TestLoaderIsStrict(t *testing.T) {
	text := read(t, dir+"/docker-compose.yml")
	for from, to := range map[string]string{
		"cap_drop:":       "capdrop:",
		"      - redis\n": "      - rediss\n",
		"  redis-data:\n": "  redis-dat:\n",
	} {
		if _, err := tryLoad(t, strings.Replace(text, from, to, 1), nil); err == nil || !strings.Contains(text, from) {
			t.Errorf("%q for %q passes", to, from)
		}
	}
}
