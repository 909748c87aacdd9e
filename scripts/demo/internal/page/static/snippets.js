// A request as code to paste.

const quote = JSON.stringify; // of JavaScript, and close enough for Python, Java and Go
const single = (s) => `'${s.replaceAll("'", `'\\''`)}'`; // of a shell
const php = (s) => `'${s.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const writers = {
  curl: ({ url, authorization, body }) => ['curl -si',
    authorization && `  -H ${single('Authorization: ' + authorization)}`,
    body && `  -H 'Content-Type: application/json' -d ${single(body)}`,
    `  ${single(url)}`].filter(Boolean).join(' \\\n') + '\n',

  Node: ({ url, authorization, method, body }) => `const response = await fetch(${quote(url)}, {
  method: ${quote(method)},
  headers: {${authorization ? ` Authorization: ${quote(authorization)}${body ? ',' : ''}` : ''}${body ? ' "Content-Type": "application/json"' : ''} },${body ? `
  body: ${quote(body)},` : ''}
});
console.log(response.status, await response.text());
`,

  Python: ({ url, authorization, method, body }) => `import urllib.error, urllib.request

request = urllib.request.Request(${quote(url)}, method=${quote(method)}${body ? `, data=${quote(body)}.encode()` : ''})
${authorization ? `request.add_header("Authorization", ${quote(authorization)})\n` : ''}${body ? 'request.add_header("Content-Type", "application/json")\n' : ''}try:
    response = urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    response = error
print(response.status, response.read())
`,

  PHP: ({ url, authorization, method, body }) => `<?php
$response = file_get_contents(${php(url)}, false, stream_context_create(['http' => [
    'method' => ${php(method)},
    'header' => [${[authorization && php('Authorization: ' + authorization), body && "'Content-Type: application/json'"].filter(Boolean).join(', ')}],
${body ? `    'content' => ${php(body)},\n` : ''}    'ignore_errors' => true,
]]));
echo $http_response_header[0], "\\n", $response, "\\n";
`,

  Java: ({ url, authorization, method, body }) => `import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Ask {
    public static void main(String[] args) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(${quote(url)}))
${authorization ? `            .header("Authorization", ${quote(authorization)})\n` : ''}${body ? '            .header("Content-Type", "application/json")\n' : ''}            .method(${quote(method)}, ${body ? `HttpRequest.BodyPublishers.ofString(${quote(body)})` : 'HttpRequest.BodyPublishers.noBody()'})
            .build();
        var response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(response.statusCode() + " " + response.body());
    }
}
`,

  Go: ({ url, authorization, method, body }) => `package main

import (
	"fmt"
	"io"
	"net/http"${body ? '\n\t"strings"' : ''}
)

func main() {
	request, err := http.NewRequest(${quote(method)}, ${quote(url)}, ${body ? `strings.NewReader(${quote(body)})` : 'nil'})
	if err != nil {
		panic(err)
	}
${authorization ? `	request.Header.Set("Authorization", ${quote(authorization)})\n` : ''}${body ? '	request.Header.Set("Content-Type", "application/json")\n' : ''}	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	fmt.Println(response.Status, string(answer), err)
}
`,
};

/** languages are what a request can be written in. */
export const languages = Object.keys(writers);

/** snippet writes a request in one of the languages. */
export function snippet(language, request, base, token) {
  return writers[language]({
    url: base + request.path, method: request.method, body: request.body,
    authorization: request.token && `Bearer ${token}`,
  });
}
