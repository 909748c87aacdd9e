package jsonscan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkCheck is the scan of an answer for its code, beside what it replaces.
func BenchmarkCheck(b *testing.B) {
	for _, size := range []int{1 << 10, 256 << 10, 4 << 20} {
		photo := strings.Repeat("A", (size-600)/3)
		body := fmt.Appendf(nil, `{"code":"0","msg":"请求成功","bizSeqNo":"21062120001184412617492807497465","result":{"bizSeqNo":"21062120001184412617492807497465","transactionTime":"20210621174928","orderNo":"bench","bankCardNo":"6222000000000000000","bankCardValidDate":"12/2034","warnCode":"0","multiWarnCode":"0","operateTime":"2021-06-21 17:40:06","clarity":"79","success":false,"bankcardCropPhoto":%q,"bankcardNoPhoto":%q,"originBankcardPhoto":%q},"transactionTime":"20210621174928"}`, photo, photo, photo)
		for _, side := range []struct {
			name string
			code func() string
		}{
			{"Check", func() string { code, _, _ := check(body); return code }},
			{"encoding.json", func() string {
				var envelope struct{ Code string }
				_ = json.Unmarshal(body, &envelope)
				return envelope.Code
			}},
		} {
			b.Run(fmt.Sprintf("%s/%d", side.name, size), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					if side.code() != "0" {
						b.Fatal("no code")
					}
				}
			})
		}
	}
}
