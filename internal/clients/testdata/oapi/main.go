// Command client asks with the client that oapi-codegen makes of openapi.yaml.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"client/relay"
)

func main() {
	if err := run(context.Background(), os.Getenv("RELAY"), os.Getenv("TOKEN")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url, token string) error {
	client, err := relay.NewClientWithResponses(url, relay.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}))
	if err != nil {
		return err
	}
	started, err := client.StartOCRWithResponse(ctx, relay.StartOCR{UserId: "user1", OrderNo: "go1"})
	if err != nil {
		return err
	}
	if started.JSON200 == nil || len(started.JSON200.Sign) != 40 {
		return fmt.Errorf("start: %s", started.Body)
	}
	card, err := client.GetResultWithResponse(ctx, relay.GetResultParamsTypeBankcard, "order1", nil)
	if err != nil {
		return err
	}
	if card.JSON200 == nil || card.JSON200.Code != "0" {
		return fmt.Errorf("result: %s", card.Body)
	}
	missing, err := client.GetResultWithResponse(ctx, relay.GetResultParamsTypeBankcard, "notfound1", nil)
	if err != nil {
		return err
	}
	if missing.JSON404 == nil {
		return fmt.Errorf("no result: %s", missing.Body)
	}
	if refusal, err := missing.JSON404.AsRefusal(); err != nil || refusal.Code != "66660020" {
		return fmt.Errorf("no result: %v %v", err, refusal.Code)
	}
	photo, err := client.GetPhotoWithResponse(ctx, relay.GetPhotoParamsTypeBankcard, "order1", relay.GetPhotoParamsNameBankcardCropPhoto, nil)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(http.DetectContentType(photo.Body), "image/") {
		return fmt.Errorf("photo: %s", photo.Body)
	}
	checked, err := client.CheckWithResponse(ctx, relay.Check{Flow: relay.Ocr, OrderNo: "go1", Sign: strings.Repeat("0", 40)})
	if err != nil {
		return err
	}
	if checked.JSON200 == nil || checked.JSON200.Valid {
		return fmt.Errorf("check: %s", checked.Body)
	}
	return nil
}
