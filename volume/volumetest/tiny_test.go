package volumetest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
)

// tiny is a vendor that does not exist, as small as one can be: the example to
// begin a backend with. A bug makes it break the contract.
type tiny struct {
	volumes map[string]tinyOptions
	client  *rest.Client
	rates   *rates.Meters
	list    *rest.Memo[map[string]tinyVolume]
	bug     string
}

type tinyOptions struct {
	access   rest.Access
	user, fs string
	password secret.Text
}

func readTiny(cfg volume.Config) (tinyOptions, error) {
	o := volume.ReadOptions(cfg)
	return tinyOptions{
		access:   rest.ReadAccess(o, "tiny_endpoint", "the appliance's URL, such as https://tiny01", "tiny_verify_ssl"),
		user:     o.String("tiny_user", "the name of an account that may read"),
		password: o.Secret("tiny_password", "the account's password"),
		fs:       o.String("tiny_fs", "the file system's name"),
	}, o.Err()
}

func tinyKind(dial rest.Dialer, basic bool, bug string) volume.Kind {
	return volume.Kind{
		Identify: func(cfg volume.Config) (volume.Identity, error) {
			o, err := readTiny(cfg)
			if err != nil {
				if bug == "leaks an option" {
					err = fmt.Errorf("%w: %s", err, cfg.Options["tiny_password"])
				}
				return volume.Identity{}, err
			}
			return volume.Identity{Share: o.access.Share(o.user, o.password.Reveal()), Endpoint: o.access.Endpoint(), Object: o.fs}, nil
		},
		New: func(volumes []volume.Config, logger *slog.Logger) (volume.Backend, error) {
			b := &tiny{volumes: map[string]tinyOptions{}, rates: rates.NewMeters(time.Minute, rates.CostsFigure), bug: bug}
			var o tinyOptions
			for _, cfg := range volumes {
				var err error
				if o, err = readTiny(cfg); err != nil {
					return nil, err
				}
				b.volumes[cfg.Name] = o
			}
			auth := rest.Auth{Login: o.login, Logout: logout}
			switch {
			case basic:
				auth = rest.Basic(o.user, o.password)
			case bug == "no logout":
				auth.Logout = nil
			case bug == "late renewal":
				auth.Login = func(ctx context.Context, send rest.Send) (rest.Token, error) {
					t, err := o.login(ctx, send)
					t.Expires = time.Time{}
					return t, err
				}
			case bug == "logs in again and again":
				auth.Login = func(ctx context.Context, send rest.Send) (rest.Token, error) {
					t, err := o.login(ctx, send)
					t.Expires = time.Now()
					return t, err
				}
			}
			secrets := []secret.Text{o.password}
			if bug == "does not name its secrets" {
				secrets = nil
			}
			var err error
			b.client, err = rest.NewClient(rest.Config{Access: o.access, Auth: auth, Secrets: secrets, Dial: dial, Logger: logger})
			stale := time.Duration(0)
			if bug == "serves old answers" {
				stale = time.Hour
			}
			b.list = rest.NewMemo(5*time.Second, stale, b.fetch)
			if bug == "logs the password" {
				logger.Info("made", "password", o.password.Reveal())
			}
			return b, err
		},
	}
}

func (o tinyOptions) login(ctx context.Context, send rest.Send) (rest.Token, error) {
	answer, err := send(ctx, rest.Request{Method: http.MethodPost, Path: "/login", Body: map[string]string{"user": o.user, "password": o.password.Reveal()}})
	if err != nil {
		return rest.Token{}, err
	}
	var said struct {
		Token   rest.Text
		Seconds rest.Int `json:"expires_in"`
	}
	if err := answer.Decode(&said); err != nil {
		return rest.Token{}, err
	}
	if said.Token == "" {
		return rest.Token{}, rest.Nonsense("the login's answer has no token")
	}
	token := rest.Bearer(said.Token.String())
	token.Expires = time.Now().Add(time.Duration(said.Seconds.Value) * time.Second)
	return token, nil
}

func logout(ctx context.Context, send rest.Send) error {
	_, err := send(ctx, rest.Request{Method: http.MethodPost, Path: "/logout"})
	return err
}

// tinyVolume is one of the appliance's list.
type tinyVolume struct {
	Name, UUID, State rest.Text
	Size, Used        rest.Int
	Read, Write       struct{ Ops, Bytes, Usec rest.Int }
	CountedAt         rest.Time `json:"counted_at"`
	answer            *rest.Answer
}

func (b *tiny) fetch(ctx context.Context) (map[string]tinyVolume, error) {
	volumes := map[string]tinyVolume{}
	err := b.client.Pages(ctx, rest.Request{Path: "/volumes"}, func(a *rest.Answer) (string, error) {
		var page struct {
			Volumes []tinyVolume
			Next    rest.Text
		}
		if err := a.Decode(&page); err != nil {
			return "", err
		}
		if page.Volumes == nil {
			return "", rest.Nonsense("the list of volumes is missing")
		}
		for _, v := range page.Volumes {
			v.answer = a
			volumes[v.Name.String()] = v
		}
		return page.Next.String(), nil
	})
	return volumes, err
}

func find(volumes map[string]tinyVolume, o tinyOptions) (tinyVolume, error) {
	v, ok := volumes[o.fs]
	if !ok {
		return v, rest.Absent("file system %q", o.fs)
	}
	return v, nil
}

func (b *tiny) get(ctx context.Context) (map[string]tinyVolume, time.Time, error) {
	switch b.bug {
	case "ignores the deadline":
		ctx = context.WithoutCancel(ctx)
	case "a call for each volume":
		for range min(len(b.volumes), 10) {
			if err := b.client.Get(ctx, "/volumes", nil, nil); err != nil {
				return nil, time.Time{}, err
			}
		}
	}
	list, at, err := b.list.Get(ctx)
	switch {
	case err != nil && b.bug == "empty for an error":
		return nil, at, nil
	case err != nil && b.bug == "one text for all":
		return nil, at, rest.Nonsense("an error happened")
	case err != nil && b.bug == "asks until it works":
		for range 50 {
			if list, at, err = b.list.Get(ctx); err == nil {
				break
			}
			time.Sleep(time.Second)
		}
	}
	return list, at, err
}

func (b *tiny) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	list, _, err := b.get(ctx)
	if err != nil {
		return nil, err
	}
	return volume.Each(b.volumes, func(name string, o tinyOptions) (volume.Performance, time.Time, error) {
		v, err := find(list, o)
		if err != nil {
			return volume.Performance{}, time.Time{}, err
		}
		p, at, err := b.rates.Next(name, rates.Sample{
			Identity: v.UUID.String(), At: v.CountedAt.Time,
			Read:  rates.Counters{Ops: v.Read.Ops.Amount(), Bytes: v.Read.Bytes.Amount(), Time: v.Read.Usec.Amount()},
			Write: rates.Counters{Ops: v.Write.Ops.Amount(), Bytes: v.Write.Bytes.Amount(), Time: v.Write.Usec.Amount()},
		})
		if b.bug == "zero for unknown" && err != nil {
			return volume.Performance{IOPSRead: new(0.0)}, at, nil
		}
		if b.bug == "bits" && err == nil {
			p.BytesRead = new(*p.BytesRead * 8)
		}
		return p, v.answer.SampledAt(at), err
	}), nil
}

func (b *tiny) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	list, at, err := b.get(ctx)
	if err != nil {
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o tinyOptions) (volume.Health, time.Time, error) {
		v, err := find(list, o)
		if err != nil && b.bug == "loses the others" {
			panic(err)
		}
		if err != nil {
			return volume.Health{}, at, err
		}
		h := volume.Health{Status: volume.Degraded, Info: fmt.Sprintf("unknown state %q", rest.Clean(v.State.String(), 40))}
		switch strings.ToLower(v.State.String()) {
		case "online":
			h = volume.Health{Status: volume.Healthy}
		case "":
			h = volume.Health{Status: volume.Unavailable, Info: "the appliance does not tell the state"}
		}
		if b.bug == "healthy whatever is said" {
			h = volume.Health{Status: volume.Healthy}
		}
		return h, at, nil
	}), nil
}

func (b *tiny) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	list, at, err := b.get(ctx)
	if err != nil {
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o tinyOptions) (volume.Usage, time.Time, error) {
		v, err := find(list, o)
		if err == nil && b.bug == "panics" {
			return volume.Usage{CapacityBytes: new(*v.Size.Amount())}, at, nil
		}
		return volume.Usage{CapacityBytes: v.Size.Amount(), UsedBytes: v.Used.Amount()}, at, err
	}), nil
}

func (b *tiny) Intervals() volume.Intervals { return volume.Intervals{} }

func (b *tiny) Close() error { return b.client.Close() }
