import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** Java's own TLS: java Calls.java URL COUNT. */
class Calls {
	public static void main(String[] args) throws Exception {
		TrustManager any = new X509TrustManager() {
			public void checkClientTrusted(X509Certificate[] c, String a) {}
			public void checkServerTrusted(X509Certificate[] c, String a) {}
			public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
		};
		SSLContext tls = SSLContext.getInstance("TLS");
		tls.init(null, new TrustManager[] {any}, null);
		byte[] body = "{\"model\": \"gpt-5.5\", \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}"
				.getBytes(StandardCharsets.UTF_8);
		for (int i = 0; i < Integer.parseInt(args[1]); i++) {
			HttpsURLConnection c = (HttpsURLConnection) new URI(args[0]).toURL().openConnection();
			c.setSSLSocketFactory(tls.getSocketFactory());
			c.setRequestMethod("POST");
			c.setDoOutput(true);
			c.setRequestProperty("content-type", "application/json");
			c.setRequestProperty("authorization", "Bearer sk-test-0000");
			c.setRequestProperty("connection", "close");
			c.getOutputStream().write(body);
			try (InputStream in = c.getInputStream()) {
				in.readAllBytes();
			}
		}
		System.out.println("done");
	}
}
