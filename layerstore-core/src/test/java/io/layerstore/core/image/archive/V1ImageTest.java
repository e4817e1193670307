package io.layerstore.core.image.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ChainId;
import io.layerstore.Digest;
import io.layerstore.core.json.JsonValue;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** Old descriptions, against what Docker 20.10 writes. */
final class V1ImageTest {

  private static final ChainId BASE =
      ChainId.parse("sha256:b30750a52edb695478e5f934d13d3a48196c0d729c1ece098d9f0ee226fb2b18");

  private static String written(String document) throws IOException {
    return new String(
        V1Image.of(JsonValue.parse(document.getBytes(UTF_8))).toJson().toBytes(), UTF_8);
  }

  @Test
  void id_ofLowestLayer_isDockers() {
    assertEquals(
        "18317fda512286dacd33884a4e80863ffcdceba1ca920db3699039261b035054",
        V1Image.ofLowerLayer().id(BASE, null).hex());
  }

  @Test
  void id_withParent_dependsOnIt() {
    Digest parent = V1Image.ofLowerLayer().id(BASE, null);
    assertEquals(
        Digest.sha256Of(
            ("{\"container_config\":{\"Hostname\":\"\",\"Domainname\":\"\",\"User\":\"\","
                    + "\"AttachStdin\":false,\"AttachStdout\":false,\"AttachStderr\":false,"
                    + "\"Tty\":false,\"OpenStdin\":false,\"StdinOnce\":false,\"Env\":null,"
                    + "\"Cmd\":null,\"Image\":\"\",\"Volumes\":null,\"WorkingDir\":\"\","
                    + "\"Entrypoint\":null,\"OnBuild\":null,\"Labels\":null},"
                    + "\"created\":\"1970-01-01T00:00:00Z\",\"layer_id\":\""
                    + BASE
                    + "\",\"parent\":\""
                    + parent
                    + "\"}")
                .getBytes(UTF_8)),
        V1Image.ofLowerLayer().id(BASE, parent));
  }

  @Test
  void of_config_keepsWhatDockerKnowsInItsOrder() throws IOException {
    assertEquals(
        "{\"comment\":\"c\",\"created\":\"2020-01-02T03:04:05.12Z\",\"container_config\":"
            + "{\"Hostname\":\"h\",\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,"
            + "\"AttachStdout\":false,\"AttachStderr\":false,\"ExposedPorts\":{\"80/tcp\":{}},"
            + "\"Tty\":true,\"OpenStdin\":false,\"StdinOnce\":false,\"Env\":[\"A=\\u003c\"],"
            + "\"Cmd\":[\"sh\"],\"Healthcheck\":{\"Test\":[\"NONE\"],\"Retries\":3},\"Image\":\"\","
            + "\"Volumes\":{},\"WorkingDir\":\"\",\"Entrypoint\":null,\"OnBuild\":[],"
            + "\"Labels\":{\"a\":\"1\",\"b\":\"2\"},\"StopTimeout\":0},\"os\":\"linux\"}",
        written(
            """
            {"unknown":[1],"os":"linux","created":"2020-01-02T03:04:05.120Z","comment":"c","author":"",
             "container_config":{"Cmd":"sh","Env":["A=<"],"Hostname":"h","Tty":true,"Volumes":{},
              "ExposedPorts":{"80/tcp":{}},"OnBuild":[],"Labels":{"b":"2","a":"1"},"StopTimeout":0,
              "Healthcheck":{"Retries":3,"Test":["NONE"],"Interval":0},"Shell":[],"StopSignal":""},
             "rootfs":{"type":"layers"}}"""));
  }

  @Test
  void of_timeWithZone_keepsIt() throws IOException {
    assertEquals(
        "\"created\":\"2020-01-02T03:04:05+02:00\"",
        written("{\"created\":\"2020-01-02T03:04:05.000+02:00\"}").substring(1, 38));
  }
}
