package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/minsu/minsu/seats/notification-go/internal/audit"
	"github.com/minsu/minsu/seats/notification-go/internal/auth"
	"github.com/minsu/minsu/seats/notification-go/internal/deadletter"
	"github.com/minsu/minsu/seats/notification-go/internal/operate"
	"github.com/minsu/minsu/seats/notification-go/internal/personaldata"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
)

const (
	callerHeader = "dapr-caller-app-id"
	mostOrders   = 1000
)

// Operations are the use-cases behind the operators' endpoints and the internal methods.
type Operations struct {
	Verifier     *auth.Verifier
	Tasks        *operate.Tasks
	Letters      *deadletter.Letters
	Audit        *audit.Audit
	System       *System
	PersonalData *personaldata.PersonalData
}

// AddOperations adds the operators' endpoints and the internal methods.
func (s *Server) AddOperations(o Operations) {
	all := &operators{s, o.Verifier, newUserPace(s.Config.Limits.RequestsPerUser)}
	all.addTasks(o.Tasks)
	all.addLetters(o.Letters)
	all.addAudit(o.Audit)
	all.addSystem(o.System)
	s.addPersonalData(o.PersonalData)
}

// internal adds a method that one other app may call. The caller's own sidecar says who calls; an app can add a second such
// header, so only a single value counts.
func (s *Server) internal(method, caller string, run func(context.Context, *form) (any, error)) {
	s.handle(http.MethodPost, "/internal/"+method, func(ctx context.Context, c *call) (any, error) {
		body, err := formOf(c)
		if err != nil {
			return nil, err
		}
		if said := c.Header.Values(callerHeader); len(said) != 1 || said[0] != caller {
			s.Log.WarnContext(ctx, "an internal method is not open to this caller", "method", method)
			return nil, problem.New(problem.Forbidden, "%s is not open to this caller", method)
		}
		return run(ctx, body)
	})
}

// person is of whom: their id, and their orders' numbers, by which this service knows people.
func (f *form) person() (userID int64, orderSns []string) {
	userID = f.id("userId")
	orderSns = []string{}
	for place, raw := range f.list("orderSns", true, 0, mostOrders) {
		text, err := strconv.Unquote(string(raw))
		if err != nil || !anySn.MatchString(text) {
			f.wrong("orderSns."+strconv.Itoa(place), "String should match pattern '"+anySn.String()+"'")
		}
		orderSns = append(orderSns, text)
	}
	f.matching("beforeSn", true, anySn)
	return userID, orderSns
}

func (s *Server) addPersonalData(personal *personaldata.PersonalData) {
	const usercenter = "usercenter"
	s.internal("personalData", usercenter, func(ctx context.Context, f *form) (any, error) {
		_, orderSns := f.person()
		if err := f.err(); err != nil {
			return nil, err
		}
		held, err := personal.Export(ctx, orderSns)
		return map[string]any{"held": held}, err
	})
	s.internal("erasePersonalData", usercenter, func(ctx context.Context, f *form) (any, error) {
		userID, orderSns := f.person()
		operatorID, note := f.integer("operatorId", nil, 0, biggest), f.note()
		if err := f.err(); err != nil {
			return nil, err
		}
		rows, err := personal.Erase(ctx, operatorID, userID, orderSns, note)
		return map[string]any{"rows": rows, "openOrders": []string{}}, err
	})
}
