package simulator

import "cmp"

// faceFields describes a verification. The pages have the values as strings.
func (d *document) faceFields() []field {
	list := []field{{"orderNo", d.orderNo}}
	if d.kind == photoInfo {
		return list
	}
	likeness := "92.0"
	if d.code != "" {
		likeness = "11.0"
	}
	list = append(list, []field{
		{"appId", d.appID},
		{"liveRate", "99"},
		{"similarity", likeness},
		{"occurredTime", d.now.Add(-8e9).In(china).Format("20060102150405")},
	}...)
	switch d.kind {
	case oldFace:
		list = append(list, field{"name", "张三"}, field{"idNo", "00000019900101" + d.digits(3) + "X"}, field{"idType", "01"})
	case willFace:
		list = append(list, field{"faceCode", cmp.Or(d.code, "0")}, field{"faceMsg", "请求成功"},
			field{"willCode", "0"}, field{"willMsg", "请求成功"})
	}
	if d.detailed {
		list = append(list, field{"sdkVersion", "v1.0.0"}, field{"trtcFlag", "Y"})
	}
	return list
}

func (d *document) uploadFields() []field {
	name := map[string]string{faceID: "faceId", h5FaceID: "h5faceId", certificate: "certId"}[d.kind]
	list := []field{{"oriCode", "0"}, {"orderNo", d.orderNo}, {name, d.uploaded}}
	if d.domain != "" {
		list = append(list, field{"optimalDomain", d.domain})
	}
	return list
}

// pictureFields has what public clients read of the answers, in its spelling.
func (d *document) pictureFields() []field {
	list := []field{{"orderNo", d.orderNo}}
	switch d.kind {
	case bankPicture:
		list = append(list, field{"bankcardNo", "62220000" + d.digits(11)}, field{"bankcardValidDate", "12/2034"}, field{"warningCode", "0"})
	case idPicture:
		list = append(list, field{"name", "张三"}, field{"idcard", "00000019900101" + d.digits(3) + "X"})
	case driver:
		list = append(list, field{"licenseNo", "00000019900101" + d.digits(3) + "X"})
	case vehicle:
		list = append(list, field{"plateNo", "某A" + d.digits(5)}, field{"curbWeright", "1500kg"})
	}
	return list
}
