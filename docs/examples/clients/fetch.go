package main

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

func result(client *http.Client, orderNo string, tries int) ([]byte, error) {
	request, err := http.NewRequest("GET", os.Getenv("RELAY")+"/ocr/bankcard/"+orderNo, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode == 200 {
		return body, err
	}
	wait, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	if response.StatusCode == 404 {
		wait = cmp.Or(wait, 1)
	}
	if wait == 0 || tries == 1 {
		return nil, fmt.Errorf("%d %s", response.StatusCode, body)
	}
	time.Sleep(time.Duration(wait) * time.Second)
	return result(client, orderNo, tries-1)
}

func main() {
	body, err := result(&http.Client{Timeout: time.Minute}, os.Args[1], 5)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", body)
}
