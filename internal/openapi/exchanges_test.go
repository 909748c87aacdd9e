package openapi_test

// routes give the targets of an order's result, with a further query.
var routes = map[string]func(order, query string) string{
	"bank card": func(order, query string) string { return "/ocr/bankcard/" + order + "?" + query },
	"ID card":   func(order, query string) string { return "/ocr/idcard/" + order + "?" + query },
	"photo": func(order, query string) string {
		return "/ocr/bankcard/" + order + "/photos/bankcardCropPhoto?" + query
	},
	"drop-in, bank card": func(order, query string) string {
		return "/api/server/getBankCardOcrResult?order_no=" + order + "&" + query
	},
	"drop-in, ID card": func(order, query string) string { return "/api/server/getOcrResult?order_no=" + order + "&" + query },
	"face":             func(order, query string) string { return "/face/" + order + "?" + query },
	"face, photo":      func(order, query string) string { return "/face/" + order + "/photo?" + query },
	"face, video":      func(order, query string) string { return "/face/" + order + "/video?product=will&" + query },
	"drop-in, face":    func(order, query string) string { return "/api/server/sync?order_no=" + order + "&" + query },
}

// exchanges lists what is asked: everything of every route, and what takes its time of one.
func exchanges() (list []exchange) {
	for _, target := range routes {
		for order, status := range map[string]int{
			"order1": 200, "warn1": 200, "number1": 200, "odd1": 200, "blurred1": 200, "unknown1": 200,
			"order-1": 400, "toolong1": 400, "notfound1": 404,
			"rejected1": 502, "forbidden1": 502, "nocode1": 502, "redirect1": 502, "throttled1": 503,
		} {
			list = append(list, exchange{target: target(order, ""), status: status})
		}
		order := func(world, method, query string, status int) exchange {
			return exchange{world: world, method: method, target: target("order1", query), status: status}
		}
		list = append(list,
			order(usual, "", "app_id=IDAtest1&get_file=1&get_native=1&other=x", 200),
			order(usual, "", "app_id=other", 400),
			order(usual, "", "app_id=IDAtest1&app_id=IDAtest1", 400),
			order(usual, "HEAD", "", 405),
			order(usual, "POST", "", 405),
			order(misconfigured, "", "", 500),
			order(wrongSecret, "", "", 502),
			order(noTokens, "", "", 502),
			exchange{target: target("order1", ""), token: "none", status: 401},
			exchange{target: target("order1", ""), token: limitedToken, status: 403},
			exchange{target: target("slow1", ""), world: hasty, status: 504},
		)
	}
	for _, order := range []string{"down1", "html1", "badgateway1", "truncated1", "cut1", "empty1", "reset1", "huge1"} {
		list = append(list, exchange{target: "/ocr/bankcard/" + order + "?get_file=1", status: 502})
	}
	list = append(list, tokens()...)
	return append(list,
		exchange{target: "/ocr/bankcard/order1", world: gone, status: 502},
		exchange{target: "/ocr/bankcard/emptycrop1/photos/bankcardCropPhoto", status: 404},
		exchange{target: "/ocr/bankcard/order1/photos/headPhoto", status: 404},
		exchange{target: "/ocr/passport/order1", status: 404},
		exchange{target: "/ocr/bankcard/", status: 400},
		exchange{target: "/face/spoof1/photo", status: 200},
		exchange{target: "/face/latex/photo", status: 404},
		exchange{target: "/face/laterx/video", status: 404},
		exchange{target: "/nowhere", status: 404},
		exchange{target: "/nowhere", method: "POST", status: 404},
		exchange{target: "/nowhere", token: "none", status: 401},
		exchange{target: "/nowhere", world: misconfigured, status: 500},
		exchange{target: "/healthz", token: "none", status: 200},
		exchange{target: "/healthz", method: "DELETE", status: 405},
		exchange{target: "/healthz", world: misconfigured, status: 500},
	)
}

// tokens lists what is asked of the routes for servers that sign themselves.
func tokens() (list []exchange) {
	for path, query := range map[string]string{"/api/oauth2/access_token": "", "/api/oauth2/api_ticket": "type=SIGN&"} {
		ask := func(world, query string, status int) {
			list = append(list, exchange{world: world, target: path + "?" + query, token: limitedToken, status: status})
		}
		ask(usual, query, 200)
		ask(usual, query+"appId=other", 200)
		ask(usual, query+"app_id=IDAtest1&app_id=IDAtest1", 400)
		for world, status := range map[string]int{misconfigured: 500, wrongSecret: 502, noTokens: 502, slowTokens: 504} {
			ask(world, query, status)
		}
		list = append(list,
			exchange{target: path + "?" + query + "secret=" + limitedToken, token: "none", status: 200},
			exchange{target: path + "?" + query + "secret=wrong", token: "none", status: 200},
			exchange{target: path + "?" + query, token: "none", status: 401},
			exchange{target: path + "?" + query, status: 403},
			exchange{target: path, method: "POST", token: limitedToken, status: 405})
	}
	return append(list,
		exchange{target: "/api/oauth2/api_ticket?type=NONCE&user_id=user1", token: limitedToken, status: 200},
		exchange{target: "/api/oauth2/api_ticket?type=OTHER", token: limitedToken, status: 200},
		exchange{target: "/api/oauth2/api_ticket?type=SIGN&access_token=wrong", token: "none", status: 200},
		exchange{target: "/healthz", token: "none", status: 200})
}
