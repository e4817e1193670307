package io.layerstore.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * A test that takes minutes or gigabytes, and runs where {@code -Dlayerstore.heavy=true} asks for
 * it.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@EnabledIfSystemProperty(
    named = "layerstore.heavy",
    matches = "true",
    disabledReason = "takes minutes or gigabytes; runs with -Dlayerstore.heavy=true")
public @interface Heavy {}
