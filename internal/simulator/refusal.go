package simulator

import (
	"net/http"
	"time"
)

// messages are the texts that go with the codes. Only the codes are documented.
var messages = map[string]string{
	"3003":     "流程被中断",
	"400101":   "不合法请求",
	"400102":   "登录态或token无效",
	"400104":   "无权限",
	"400105":   "身份校验失败",
	"400501":   "请求过于频繁",
	"400502":   "版本号错误",
	"999999":   "系统内部错误",
	"66660000": "参数过长",
	"66660020": "查询不到该订单的识别结果",
	"66661004": "身份证照片模糊",
	"66669004": "无法确认为同一人",
	"66669005": "疑似非真人录制",
	"66669998": "订单号重复",
	"66669999": "未知错误",
	"-9012":    "银行卡照片模糊",
}

// refuse answers with a code: an envelope without a result.
func (s *Simulator) refuse(w http.ResponseWriter, q *request, code string) {
	switch code {
	case "400101", "400102", "15":
		if q.account != nil && q.call != TokenCall {
			s.mu.Lock()
			q.account.counts.Rejected++
			s.mu.Unlock()
		}
	}
	now := time.Now()
	var b body
	if q.kind == photoInfo {
		b.text(`{"code":` + code + `,"msg":"` + messages[code])
	} else {
		b.text(`{"code":"` + code + `","msg":"` + messages[code])
	}
	if q.signed != nil {
		b.text(`","bizSeqNo":"` + bizSeqNo(now))
	}
	b.text(`","transactionTime":"` + stamp(now) + `"}`)
	b.send(w)
}
