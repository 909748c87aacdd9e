import java.net.URI;
import java.net.http.*;
import java.time.Duration;

class Fetch {
    static String result(HttpClient client, String orderNo, int tries) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(System.getenv("RELAY") + "/ocr/bankcard/" + orderNo))
            .header("Authorization", "Bearer " + System.getenv("TOKEN")).timeout(Duration.ofSeconds(60)).build();
        var response = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() == 200) return response.body();
        var wait = response.headers().firstValueAsLong("Retry-After").orElse(response.statusCode() == 404 ? 1 : 0);
        if (wait == 0 || tries == 1) throw new Exception(response.statusCode() + " " + response.body());
        Thread.sleep(wait * 1000);
        return result(client, orderNo, tries - 1);
    }

    public static void main(String[] args) throws Exception {
        System.out.println(result(HttpClient.newHttpClient(), args[0], 5));
    }
}
